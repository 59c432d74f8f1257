"""Publish by a signed request: ``python examples/bridges/signed.py``. Nothing but Python's own library is needed."""

import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

URL = os.environ.get("SENSORS_URL", "http://127.0.0.1:8080/sensors")
KEY = "cellar"
SECRET = os.environ.get("CELLAR_SECRET", "a secret for this example alone")


def sign(method: str, url: str, body: bytes) -> str:
    """What the header Wampd-Signature says of a request."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    now, nonce = str(int(time.time())), secrets.token_urlsafe(16)
    text = "\n".join(["wampd-v1", method, target, now, nonce, KEY, hashlib.sha256(body).hexdigest()])
    signature = hmac.new(SECRET.encode(), text.encode(), "sha256").hexdigest()
    return f"t={now},n={nonce},k={KEY},v1={signature}"


def main() -> int:
    """Send a request twice: it counts once."""
    body = json.dumps({"topic": "com.example.reading.cellar", "args": [7.5]}).encode()
    headers = {"Content-Type": "application/json", "Wampd-Signature": sign("POST", URL, body)}
    for attempt in ("the request", "the same again"):
        try:
            with urlopen(Request(URL, body, headers), timeout=10) as answer:
                print(f"{attempt}: {answer.status}, {', '.join(json.load(answer))}")
        except HTTPError as refused:
            print(f"{attempt}: {refused.code}")
        except URLError:
            print("no router; start one: wampd run examples/bridges/config.yaml", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
