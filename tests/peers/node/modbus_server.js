// A Modbus TCP server of jsmodbus or of modbus-serial: every register holds its own number, every third bit is set.
// Also, of modbus-serial, an RTU server on a serial port. Takes the kind and the port; says "ready".
"use strict";
const [kind, port] = process.argv.slice(2);

function vector() {
    return {
        getHoldingRegister: (address) => address, getInputRegister: (address) => address,
        getCoil: (address) => address % 3 === 0, getDiscreteInput: (address) => address % 3 === 0,
    };
}

if (kind === "jsmodbus") {
    const net = require("net");
    const modbus = require("jsmodbus");
    const registers = Buffer.alloc(2 * 4000), bits = Buffer.alloc(500);
    for (let n = 0; n < 4000; n++) {
        registers.writeUInt16BE(n, 2 * n);
        if (n % 3 === 0) bits[n >> 3] |= 1 << (n & 7);
    }
    const listening = new net.Server();
    new modbus.server.TCP(listening, { holding: registers, input: registers, coils: bits, discrete: bits });
    listening.listen(Number(port), "127.0.0.1", () => console.log("ready"));
} else if (kind === "modbus-serial") {
    const { ServerTCP } = require("modbus-serial");
    new ServerTCP(vector(), { host: "127.0.0.1", port: Number(port), unitID: 1 }).on("initialized", () => console.log("ready"));
} else {
    const { ServerSerial } = require("modbus-serial");
    new ServerSerial(vector(), { port, baudRate: 19200, openOptions: {}, interval: 10, unitID: 1 }).on("initialized", () => console.log("ready"));
}
process.stdin.on("close", () => process.exit(0)).resume();
