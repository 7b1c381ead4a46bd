"""A time-stamping authority (openssl's, on a port of this machine) says when a picture was signed."""

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.painting.credentials.pictures import painting
from tests.painting.credentials.test_identity import KEY, NOW, issued, load, pem, private, usage

from impasto.painting.credentials.signing import SigningChoices, sign_bytes
from impasto.painting.credentials.verification import verify_bytes

SETTINGS = """[tsa]
default_tsa = here
[here]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


def make_authority(folder: Path) -> str:
    """Writes what `openssl ts` needs into `folder`, and returns the authority's root, PEM."""
    root_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    purposes = (x509.ExtendedKeyUsageOID.TIME_STAMPING,)
    root = issued("stamps", root_key, "stamps", root_key, authority=True, keys=usage(key_cert_sign=True), purposes=())
    stamper = issued("clock", key, "stamps", root_key, purposes=purposes, purposes_critical=True)
    files = {"settings": SETTINGS.encode(), "serial": b"01\n", "clock.pem": pem(stamper), "key.pem": private(key)}
    for name, data in {**files, "root.pem": pem(root)}.items():
        (folder / name).write_bytes(data)
    return pem(root).decode()


@contextmanager
def stamping(folder: Path) -> Iterator[str]:
    """The address of the authority in `folder`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            words = "-reply -config settings -queryfile query -signer clock.pem -inkey key.pem -chain root.pem -out answer"
            subprocess.run(["openssl", "ts", *words.split()], cwd=folder, check=True, capture_output=True, timeout=60)
            answer = (folder / "answer").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/stamp"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which is the authority here, is not installed")
def test_the_time_counts_if_its_authority_is_trusted(tmp_path: Path) -> None:
    clock_root = make_authority(tmp_path)
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = issued("root", root_key, "root", root_key, authority=True, keys=usage(key_cert_sign=True), purposes=())
    identity = load(tmp_path, private(KEY), pem(issued("Ada", issuer_key=root_key)))
    with stamping(tmp_path) as url:
        signed = sign_bytes(painting(), identity, SigningChoices(timestamp_url=url)).data
    alone, both = (verify_bytes(signed, pem(root).decode() + more) for more in ("", clock_root))
    assert (alone.state, alone.signed_at) == ("valid", "")  # anybody can have a clock
    assert both.state == "valid" and both.signed_at >= f"{NOW:%Y-%m-%dT%H:%M:%S}" and f" on {both.signed_at}" in str(both)
    assert verify_bytes(signed).state == "untrusted"
