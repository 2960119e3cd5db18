// @morphllm/morphsdk as it is installed: reads [{original, edit, instruction}] from stdin, writes what it says.
import { applyEdit } from "@morphllm/morphsdk/tools/fastapply";
import { readFileSync } from "node:fs";

const [url] = process.argv.slice(2);
const answers = [];
for (const { original, edit, instruction } of JSON.parse(readFileSync(0, "utf8"))) {
  const input = { originalCode: original, codeEdit: edit, instruction };
  answers.push(await applyEdit(input, { morphApiUrl: url, morphApiKey: "sk-x" }));
}
console.log(JSON.stringify(answers));
