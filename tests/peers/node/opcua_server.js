// An OPC UA server of node-opcua. Takes its settings as JSON: port, folder, users, limits, certificates it is to trust;
// says "ready" when it listens. Orders on standard input: "set NAME VALUE", "bad NAME", "forget" (deletes subscriptions).
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const {
    DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy, StatusCodes, Variant,
} = require("node-opcua");

const settings = JSON.parse(process.argv[2]);

async function main() {
    const pki = new OPCUACertificateManager({ rootFolder: path.join(settings.folder, "pki"), automaticallyAcceptUnknownCertificate: false });
    const users = new OPCUACertificateManager({ rootFolder: path.join(settings.folder, "users"), automaticallyAcceptUnknownCertificate: false });
    await pki.initialize();
    await users.initialize();
    for (const file of settings.trusts || []) await pki.trustCertificate(fs.readFileSync(file));
    for (const file of settings.userCertificates || []) await users.trustCertificate(fs.readFileSync(file));
    const server = new OPCUAServer({
        port: settings.port,
        host: "127.0.0.1",
        hostname: "127.0.0.1",
        nodeset_filename: [path.join(require.resolve("node-opcua-nodesets"), "../../nodesets/Opc.Ua.NodeSet2.xml")],
        serverInfo: { applicationUri: "urn:hydro:peers:node", productUri: "urn:hydro:peers", applicationName: { text: "node" } },
        serverCertificateManager: pki,
        userCertificateManager: users,
        allowAnonymous: !settings.users,
        securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss],
        securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
        userManager: { isValidUser: (name, word) => (settings.users || {})[name] === word },
        serverCapabilities: { maxMonitoredItemsPerCall: 0, operationLimits: settings.limits || {} },
    });
    await server.initialize();
    const space = server.engine.addressSpace;
    const own = space.getOwnNamespace();
    const folder = own.addFolder(space.rootFolder.objects, { browseName: "Plant" });
    const variables = {};
    for (let n = 0; n < (settings.nodes || 20); n++) {
        const name = `V${n}`;
        variables[name] = own.addVariable({
            componentOf: folder, browseName: name, nodeId: `s=${name}`, dataType: "Double", minimumSamplingInterval: 0,
            value: { dataType: DataType.Double, value: n + 0.5 },
        });
        if (settings.history) space.installHistoricalDataNode(variables[name], { maxOnlineValues: 10000 });
    }
    await server.start();
    readline.createInterface({ input: process.stdin }).on("line", (line) => {
        const [order, name, value] = line.split(" ");
        if (order === "set") variables[name].setValueFromSource(new Variant({ dataType: DataType.Double, value: Number(value) }));
        if (order === "bad") variables[name].setValueFromSource(new Variant({ dataType: DataType.Double, value: 0 }), StatusCodes.BadSensorFailure);
        if (order === "forget") for (const session of Object.values(server.engine._sessions)) for (const id of session.publishEngine.subscriptions.map((one) => one.id)) session.deleteSubscription(id);
    }).on("close", () => process.exit(0));
    console.log("ready");
}

main().catch((error) => { console.error(error); process.exit(1); });
