#!/usr/bin/env python3
"""Every printed code is decoded again, by a decoder that is not the encoder (zxing-cpp).

Needs zxing-cpp and pillow in .venv, pdftoppm and rsvg-convert. ZPL has no renderer here: its graphic fields are
drawn and decoded, the data of the printer's own commands are read back as text.
"""

import argparse
import io
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXTS = [
    "88.118.8/JXDY2106023", "88.389.00054/0001", "88.101.5/型号:A 1/2", "88.111.1/teleinfo.cn", "86.122.2/x",
    "10.1000/1", "88.118.8/中文后缀", "88.118.8/é", "88.118.8/🐯", "88.118.8/" + "9" * 40, "88.118.8/" + "Ab1-" * 20,
    "88.118.8/" + "长" * 40, "88.118.8/a%b%%c", "88.118.8/100%", "88.118.8/^~\\_", "88.118.8/<>&\"'", "88.118.8/[]{}|`",
    "88.118.8/;:,.!?()*+-=/@#$", "88.118.8/aBcDeF", "88.118.8/ABCdefGHI123", "88.118.8/a.B;C", "88.118.8/x y z",
    "88.118.8/点テスト", "88.118.8/漾漾漾", "88.118.8/0",
] + [f"88.{300 + n}.{n}/" + ("SN%0*d" % (n % 12 + 1, n ** 3)) + "aZ-_."[n % 5] * (n % 7) for n in range(1, 41)]
GS1 = [
    "^0109521321000018", "^010952132100001810ABC^21x", "^0109521321000018211%2%%3", "^010952132100001810a_b-c/d^2112345678",
    "^00340123453111111115", "^010952132100001817261231103A^2100042", "^8004095213A%", "^010952132100001821abcDEF123^10Z",
]
WANTED = {
    "qr": ("]Q1", "]Q2"), "gs1-qr": ("]Q3",), "datamatrix": ("]d1", "]d4"), "gs1-datamatrix": ("]d2",),
    "code128": ("]C0",), "gs1-128": ("]C1",), "pdf417": ("]L2", "]L1", "]L0"),
}
failures, decoded = [], 0


def fail(text):
    failures.append(text)
    print("FAIL:", text)


def check(picture, symbol, text, where):
    global decoded
    found = zxingcpp.read_barcodes(picture.convert("L"))
    if len(found) != 1:
        return fail(f"{where}: {len(found)} codes, expected {text!r}")
    wanted = text[1:].replace("^", "\x1d") if symbol.startswith("gs1") else text
    # The octets of the message without ECI; a Latin 1 symbol is compared as text.
    got = found[0].text if not symbol.startswith("gs1") else found[0].bytes.decode()
    identifier = found[0].symbology_identifier
    if got != wanted and not (symbol.startswith("gs1") and got.removeprefix(identifier) == wanted):
        return fail(f"{where}: {got!r} instead of {wanted!r}")
    if identifier not in WANTED[symbol]:
        return fail(f"{where}: {identifier} instead of {WANTED[symbol]}")
    decoded += 1


def hufu(*args, text=None):
    done = subprocess.run([HUFU, "label", *args], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"hufu label {' '.join(args)}: {done.stderr.strip()[:300]}")
    return done


def rendered(path):
    if path.suffix == ".svg":
        out = subprocess.run(["rsvg-convert", "-d", "203", "-p", "203", str(path)], capture_output=True, check=True)
        return Image.open(io.BytesIO(out.stdout))
    return Image.open(path)


def graphic(zpl):
    total, stride, octets = re.search(r"\^GFA,(\d+),\d+,(\d+),([0-9A-F]+)", zpl).groups()
    stride, height = int(stride), int(total) // int(stride)
    bits = Image.frombytes("1", (stride * 8, height), bytes(~octet & 255 for octet in bytes.fromhex(octets)))
    out = Image.new("L", (stride * 8 + 200, height + 200), 255)
    out.paste(bits, (100, 100))
    return out


def payload(zpl, symbol):
    """What a printer would encode, from the first field."""
    command, data = re.search(r"\^FO\d+,\d+(?:\^BY\d+)?(\^B[^^]*)\^FH\\\^FD(.*?)\^FS", zpl).groups()
    data = re.sub(r"\\([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), data)
    if command.startswith("^BQ"):
        return data[3:]
    if command.startswith("^BX"):
        return re.sub("_(.)", lambda m: "^" if m[1] == "1" else m[1], data)
    if command.startswith("^BC"):
        escapes = {"8": "^", "0": ">", "<": "^", "=": "~"}
        return re.sub(">(.)", lambda m: escapes.get(m[1], ""), data)
    return data


def every_symbol(work):
    for symbol in WANTED:
        texts = GS1 if symbol.startswith("gs1") else TEXTS
        if symbol == "code128":
            texts = [text for text in texts if text.isascii()]
        codes = work / f"{symbol}.txt"
        codes.write_text("\n".join(texts) + "\n")
        common = ["--from", str(codes), "--symbol", symbol, "--label", "200x80mm" if "128" in symbol else "100x60mm"]
        for form in ("png", "svg"):
            out = work / f"{symbol}-{form}"
            hufu(*common, "--format", form, "--out", f"{out}/")
            files = sorted(out.glob(f"*.{form}"))
            if len(files) != len(texts):
                fail(f"{symbol} {form}: {len(files)} files for {len(texts)} texts")
            for path, text in zip(files, texts):
                check(rendered(path), symbol, text, f"{symbol} {form} {text[:40]!r}")
        sheet(work, common, symbol, texts)
        for text, zpl in zip(texts, hufu(*common, "--format", "zpl").stdout.split("^XZ\n")):
            where = f"{symbol} zpl {text[:40]!r}"
            if "^GFA" in zpl:
                check(graphic(zpl), symbol, text, where)
            elif payload(zpl, symbol) != text:
                fail(f"{where}: {payload(zpl, symbol)!r}")


def sheet(work, common, symbol, texts):
    path = work / f"{symbol}.pdf"
    # Labels alone on their rows, so that order is kept; 190 mm is the width of A4 within margins.
    size = ["--label", "190x80mm" if "128" in symbol else "150x60mm"]
    hufu(*common[:4], *size, "--format", "pdf", "--out", str(path), "--text", "")
    subprocess.run(["pdftoppm", "-r", "203", "-gray", "-png", str(path), str(work / f"{symbol}-page")], check=True)
    found = []
    for page in sorted(work.glob(f"{symbol}-page*.png"), key=lambda path: int(re.search(r"-(\d+)\.png", path.name)[1])):
        codes = zxingcpp.read_barcodes(Image.open(page))
        found += [code for code in sorted(codes, key=lambda code: code.position.top_left.y)]
    # The decoder reports some PDF417 symbols twice; texts are unique, so sets tell what is missing or wrong.
    got = sorted({code.text if not symbol.startswith("gs1") else code.bytes.decode().removeprefix(code.symbology_identifier) for code in found})
    wanted = sorted(text[1:].replace("^", "\x1d") if symbol.startswith("gs1") else text for text in texts)
    if got != wanted:
        missing, extra = set(wanted) - set(got), set(got) - set(wanted)
        fail(f"{symbol} pdf: {len(got)} of {len(wanted)} codes; missing {sorted(missing)[:3]!r}, extra {sorted(extra)[:3]!r}")


def job(work):
    codes = work / "many.txt"
    codes.write_text("".join(f"88.118.8/SN{n:06}\n" for n in range(10_000)) + "88/x\n")
    for form, out in (("pdf", work / "many.pdf"), ("zpl", work / "many.zpl"), ("png", work / "many/")):
        begin = time.monotonic()
        args = [HUFU, "label", "--from", str(codes), "--base", "https://id.example.cn", "--format", form, "--out", f"{out}/" if form == "png" else str(out)]
        done = subprocess.run(args, capture_output=True, text=True)
        print(f"10,000 labels as {form}: {time.monotonic() - begin:.1f} s")
        if done.returncode != 1 or "10000" not in done.stderr:
            fail(f"{form}: status {done.returncode}, {done.stderr.strip()[:200]}")
        again = subprocess.run(args, capture_output=True, text=True)
        if again.returncode != 2:
            fail(f"{form}: a second run wrote over the first")
    errors = (work / "many.pdf.errors.csv").read_text().splitlines()
    if len(errors) != 2 or not errors[1].startswith("10001,88/x,"):
        fail(f"errors file: {errors}")


parser = argparse.ArgumentParser()
parser.add_argument("--hufu", required=True)
HUFU = parser.parse_args().hufu
try:
    import zxingcpp
    from PIL import Image
except ImportError as error:
    print(f"cannot run: {error}")
    sys.exit(1)
with tempfile.TemporaryDirectory() as folder:
    every_symbol(Path(folder))
    job(Path(folder))
out = hufu("88.118.8/X", "--symbol", "nfc", "--base", "https://a.cn").stdout.strip()
if out != "D101105504" + b"a.cn/88.118.8/X".hex().upper():
    fail(f"nfc: {out}")
out = hufu("88.118.8/X", "--symbol", "rfid", "--epc-hex", "3034257bf7194e4000001a85").stdout.strip()
if out != "3034257BF7194E4000001A85":
    fail(f"rfid: {out}")
print(f"{decoded} pictures decoded, {len(failures)} failures")
sys.exit(1 if failures else 0)
