// An edit by gRPC from Node, with nothing but the .proto:
//     npm install @grpc/grpc-js @grpc/proto-loader
//     node apply.mjs 127.0.0.1:50051 FILE EDIT [PROTO_FOLDER]
import { readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

// Packages are looked for where the command is started, not where this file lies.
const require = createRequire(`${process.cwd()}/`);
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [target, file, edit, protos = new URL("../../proto", import.meta.url).pathname] = process.argv.slice(2);
const options = { keepCase: true, enums: String, longs: Number, includeDirs: [protos] };
const { applier } = grpc.loadPackageDefinition(loader.loadSync("applier/api/v1/apply.proto", options));
const client = new applier.api.v1.ApplyService(target, grpc.credentials.createInsecure(), {
  "grpc.max_send_message_length": -1,
  "grpc.max_receive_message_length": -1,
});
const request = { original: readFileSync(file), edit: readFileSync(edit), path: file };
client.ApplyEdit(request, { deadline: Date.now() + 30_000 }, (error, reply) => {
  if (error) {
    console.error(`${grpc.status[error.code]}: ${error.details}`);
    process.exitCode = 4;
  } else if (reply.status === "STATUS_REFUSED") {
    console.error(`${reply.refusal.reason}: ${reply.refusal.message}`);
    process.exitCode = 3;
  } else {
    writeSync(1, reply.content); // the new file, byte for byte
    console.error(`result ${reply.receipt.result_sha256} by ${reply.receipt.fingerprint}`);
  }
  client.close();
});
