// What a tutorial for Express shows: the SDK's stream, and a line for each piece of text.

import Anthropic from "@anthropic-ai/sdk";
import express from "express";

const client = new Anthropic();
const app = express();
app.use(express.json({ limit: "10mb" }));
app.post("/chat", async (request, response) => {
  const { stream: _, ...question } = request.body;
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for await (const event of client.messages.stream(question)) {
    if (event.type === "content_block_delta" && event.delta.type === "text_delta")
      response.write(`data: ${JSON.stringify({ text: event.delta.text })}\n\n`);
  }
  response.end("data: [DONE]\n\n");
});
app.listen(Number(process.argv[2]), "127.0.0.1");
