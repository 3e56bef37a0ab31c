"""What every listener holds its callers to, whatever protocol they speak."""

from typing import Final

# A call without a deadline of its own is given up after this long, so that no caller waits for ever.
UNARY_TIMEOUT_S: Final = 30.0

# A caller's request id that is longer is not taken over.
REQUEST_ID_LENGTH_MAX: Final = 128

# A status travels in the trailers, which clients refuse above 8 KiB; a result in a batch keeps the same limit, so that
# a call is told the same either way.
VIOLATIONS_BYTES_MAX: Final = 4096

# The most bytes of a request that a message is made of in Python: the core's bound, by which the front knows beforehand
# what will be refused.
REQUEST_BYTES_MAX: Final = 4 * 1024 * 1024

# How long a connection may take until it speaks HTTP/2.
HANDSHAKE_TIMEOUT_MS: Final = 20_000

# After so long without a word from the event loop, health says that nobody is served. With the beat and the front's
# look that is less than two seconds.
SILENCE_MS_MAX: Final = 1_500

# The name under which health tells whether the process is alive; under all others whether it is ready.
LIVENESS: Final = "liveness"

# An answer that its caller has not taken after this long, twice as long at most, costs it the connection.
UNTAKEN_TIMEOUT_MS: Final = 60_000

# What requests, uploads and answers may take, where nobody says otherwise.
WAITING_BYTES_MAX: Final = 512 * 1024 * 1024

# How long an upload may take until its last message is there, where nobody says otherwise.
UPLOAD_TIMEOUT_S: Final = 120.0
