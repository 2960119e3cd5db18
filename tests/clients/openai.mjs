// The openai package as it is installed, whole and streamed; reads [{messages}] from stdin.
import OpenAI from "openai";
import { readFileSync } from "node:fs";

const [url] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "x" });
const answers = [];
for (const { messages } of JSON.parse(readFileSync(0, "utf8"))) {
  const ask = { model: "samebytes", messages, temperature: 0, seed: 1 };
  try {
    const whole = await client.chat.completions.create(ask);
    let streamed = "";
    for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
      streamed += chunk.choices[0]?.delta?.content ?? "";
    }
    const { content } = whole.choices[0].message;
    answers.push({ content, streamed, fingerprint: whole.system_fingerprint, usage: whole.usage });
  } catch (error) {
    answers.push({ status: error.status, error: error.message });
  }
}
console.log(JSON.stringify({ answers, models: (await client.models.list()).data.map((model) => model.id) }));
