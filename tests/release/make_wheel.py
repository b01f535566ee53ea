"""Writes the smallest wheel there is, the same bytes each time."""

import base64
import hashlib
import os
import zipfile

NAME = "weir-1.0-py3-none-any.whl"
FILES = {
    "weir.py": "HEIGHT = 3\n",
    "weir-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: weir\nVersion: 1.0\n",
    "weir-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
    "Root-Is-Purelib: true\nTag: py3-none-any\n",
}


def line(name, text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    return f"{name},sha256={digest.decode()},{len(text)}\n"


record = "weir-1.0.dist-info/RECORD"
lines = "".join(line(name, text) for name, text in FILES.items())
os.makedirs("dist", exist_ok=True)
with zipfile.ZipFile(os.path.join("dist", NAME), "w") as wheel:
    for name, text in {**FILES, record: f"{lines}{record},,\n"}.items():
        wheel.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
