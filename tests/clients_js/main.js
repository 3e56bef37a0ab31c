// A client by grpc-js. Prints one line a step: its name and what came of it.
import { Client, Metadata, compressionAlgorithms, credentials, status } from "@grpc/grpc-js";

const identify = "/utterson.v1.IdentityService/Identify";
const stream = "/utterson.v1.IdentityService/StreamResolve";
const [, , address, what] = process.argv;
const same = (bytes) => bytes;

function connect(options = {}) {
  return new Client(address, credentials.createInsecure(), { "grpc.keepalive_time_ms": 10_000, ...options });
}

function call(client, sent, { metadata = new Metadata(), options = {}, cancelledAfterMs = 0 } = {}) {
  return new Promise((resolve) => {
    let error = null;
    let told = null;
    const running = client.makeUnaryRequest(identify, same, same, sent, metadata, options, (failure, message) => {
      error = failure;
      told = message;
    });
    running.on("status", (ended) => setImmediate(() => resolve({ ...ended, error, told })));
    if (cancelledAfterMs > 0) setTimeout(() => running.cancel(), cancelledAfterMs);
  });
}

const told = (name, ...what) => console.log(`${name}:`, ...what);

async function steps() {
  const client = connect();
  let answer = await call(client, Buffer.from("ok"));
  told("unary", answer.told?.toString(), status[answer.code]);

  answer = await call(client, Buffer.from("refuse"));
  const details = Buffer.concat(answer.metadata.get("grpc-status-details-bin")).toString("latin1");
  told("refusal", details.match(/WORKSPACE_NOT_FOUND/)?.[0], status[answer.code]);

  const metadata = new Metadata();
  metadata.set("x-request-id", "mine");
  answer = await call(client, Buffer.from("ok"), { metadata });
  told("request id", answer.metadata.get("x-request-id"), status[answer.code]);

  answer = await call(client, Buffer.from("never"), { options: { deadline: Date.now() + 200 } });
  told("deadline", status[answer.code]);

  answer = await call(client, Buffer.from("never"), { cancelledAfterMs: 200 });
  told("cancelled", status[answer.code]);

  const long = Buffer.from("zip".repeat(100_000));
  const packing = connect({ "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
  answer = await call(packing, long);
  told("gzip", answer.told?.equals(long), status[answer.code]);

  answer = await call(client, Buffer.alloc(2_000_000));
  told("too large", status[answer.code]);
  await streams(client);
}

async function streams(client) {
  const both = client.makeBidiStreamRequest(stream, same, same, new Metadata());
  let answers = 0;
  const ended = new Promise((resolve) => both.on("status", resolve));
  both.on("data", (message) => {
    answers += 1;
    if (answers === 3) both.end();
    else both.write(message);
  });
  both.write(Buffer.from([8, 1]));
  told("stream", answers === 0 && (await ended).code === status.OK ? answers : "none");
}

async function drain() {
  const client = connect();
  const codes = {};
  let count = 0;
  const one = async () => {
    for (;;) {
      const { code } = await call(client, Buffer.from("ok"));
      count += 1;
      if (count === 8) console.log("calling");
      if (code !== status.OK) {
        codes[status[code]] = (codes[status[code]] ?? 0) + 1;
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  told("drain", JSON.stringify(codes));
}

async function stays() {
  const client = connect();
  const first = await call(client, Buffer.from("ok"));
  await new Promise((resolve) => setTimeout(resolve, 25_000));
  const then = await call(client, Buffer.from("ok"));
  told("alive", status[first.code], status[then.code]);
}

await { drain, alive: stays, steps }[what]();
process.exit(0);
