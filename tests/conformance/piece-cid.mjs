// Names payloads as pieces with an independent implementation: lines of hex on stdin, PieceCIDv2 as hex on stdout.
import { readFileSync } from "node:fs";
import { fromPayload } from "@web3-storage/data-segment/piece";

const lines = readFileSync(0, "utf8").trim().split("\n");
const cids = lines.map((line) => fromPayload(Buffer.from(line, "hex")).link.bytes);
process.stdout.write(cids.map((cid) => Buffer.from(cid).toString("hex")).join("\n"));
