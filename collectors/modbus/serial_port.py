"""A serial port as asyncio sees a connection. POSIX; what is left in the system's buffers is no answer to anybody."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import termios

from models.site import SerialSettings

_BAUDS = {int(name[1:]): getattr(termios, name) for name in dir(termios) if name[0] == "B" and name[1:].isdecimal()}
_PARITIES = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}
_MOST = 4096


class SerialPort:
    """An open port; what it says goes to ``protocol``. Nobody else opens it meanwhile."""

    def __init__(self, settings: SerialSettings, protocol: asyncio.Protocol) -> None:
        """Open the port; raises ``OSError``."""
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._file = os.open(settings.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._unsent = b""
        self._closed = False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _set_up(self._file, settings)
        except BaseException as error:
            os.close(self._file)
            if isinstance(error, termios.error):
                raise OSError(errno.ENOTTY, f"{settings.port} is no serial port") from error
            raise
        self._loop.add_reader(self._file, self._read)

    def write(self, data: bytes, /) -> None:
        """Send, at once as far as the port takes it."""
        self._unsent += data
        self._flush()

    def close(self) -> None:
        """Give the port back."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._file)
            self._loop.remove_writer(self._file)
            os.close(self._file)

    def _flush(self) -> None:
        try:
            sent = os.write(self._file, self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lose(error)
            return
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._file, self._flush)
        else:
            self._loop.remove_writer(self._file)

    def _read(self) -> None:
        try:
            data = os.read(self._file, _MOST)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._lose(None)

    def _lose(self, error: OSError | None) -> None:
        """The adapter was pulled out."""
        if not self._closed:
            self.close()
            self._loop.call_soon(self._protocol.connection_lost, error)


def _set_up(file: int, settings: SerialSettings) -> None:
    """Eight bits, no translation of any byte, no flow control; and forget what came before."""
    control = termios.CS8 | termios.CREAD | termios.CLOCAL | _PARITIES[settings.parity]
    control |= termios.CSTOPB if settings.stop_bits == 2 else 0
    speed = _BAUDS[settings.baud]
    characters = termios.tcgetattr(file)[6]
    termios.tcsetattr(file, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
    termios.tcflush(file, termios.TCIOFLUSH)
