// A gRPC client in JavaScript, from the .proto alone: one edit, then a stream of edits.
//
//   samebytes serve --port 50051
//   cd examples/grpc-node && npm install && node client.mjs 127.0.0.1:50051
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const definition = protoLoader.loadSync("applier/api/v1/apply.proto", {
  includeDirs: [path("../../proto")],
  keepCase: true,
  enums: String,
  defaults: true,
});
const { ApplyService } = grpc.loadPackageDefinition(definition).applier.api.v1;

const client = new ApplyService(process.argv[2] ?? "127.0.0.1:50051", grpc.credentials.createInsecure(), {
  "grpc.max_receive_message_length": 64 << 20, // the reply holds the whole file; gRPC's own limit is 4 MiB
});
const deadline = () => ({ deadline: Date.now() + 60_000 });
const unary = (name, request) =>
  new Promise((resolve, reject) =>
    client[name](request, deadline(), (error, reply) => (error ? reject(error) : resolve(reply))),
  );

const request = {
  original: readFileSync(path("../job_queue.py")),
  edit: readFileSync(path("../job_queue.edit")),
  path: "job_queue.py",
};

try {
  console.log("fingerprint", (await unary("GetFingerprint", {})).fingerprint);

  const reply = await unary("ApplyEdit", request);
  console.log(reply.status, reply.tier, reply.receipt.result_sha256);
  if (reply.status === "STATUS_REFUSED") console.log(reply.refusal.reason, reply.refusal.message);
  const digest = createHash("sha256").update(reply.content).digest("hex");
  if (digest !== reply.receipt.result_sha256) throw new Error(`the content's digest is ${digest}`);

  const stream = client.ApplyEdits(deadline());
  for (let number = 0; number < 3; number++) stream.write({ id: `edit ${number}`, request });
  stream.end();
  for await (const answer of stream) console.log(answer.id, answer.response.receipt.result_sha256);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  client.close();
}
