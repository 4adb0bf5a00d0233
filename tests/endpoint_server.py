"""A small OpenAI-compatible server around a real Hugging Face model, so that tests need no other server.

It answers /completions with `echo` and `logprobs`, and /chat/completions with the most likely first tokens, as vendors do;
both with `prompt_logprobs` where it is asked to, as vLLM does. It can be told to fail, and counts what it is asked.
"""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


class ModelServer(ThreadingHTTPServer):
    """Serve the model of a directory.

    `key`: refuse others; `failures`: how many requests get a 500 first; `shows_first`, `shows_generated`: whether the token
    that begins a text, and the one that is generated, stand among the tokens shown. Servers differ in both.
    """

    def __init__(self, directory, key=None, failures=0, shows_first=True, shows_generated=True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModelForCausalLM.from_pretrained(directory).eval()
        for module in self.model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False
        self.key, self.failures, self.asked = key, failures, 0
        self.shows_first, self.shows_generated = shows_first, shows_generated
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def read(self, text, special=True):
        """Return the tokens of a text and the log-probabilities behind each, shape (tokens, vocabulary)."""
        ids = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        with torch.inference_mode():
            logits = self.model(input_ids=torch.tensor([ids])).logits[0]
        return ids, logits.float().log_softmax(-1)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer(lambda: {"object": "list", "data": []}, counted=False)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(lambda: chat(self.server, body) if "messages" in body else complete(self.server, body))

    def _answer(self, make, counted=True):
        server = self.server
        with server.lock:
            server.asked += counted
            fails = counted and server.failures > 0
            server.failures -= fails
            if server.key is not None and self.headers.get("Authorization") != f"Bearer {server.key}":
                status, content = 401, {"error": {"message": "no"}}
            elif fails:
                status, content = 500, {"error": {"message": "try again"}}
            else:
                status, content = 200, make()
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def of_prompt(ids, logprobs):
    """Return vLLM's `prompt_logprobs: 0`: nothing for the first token, then each token's own."""
    values = [logprobs[at - 1, ids[at]].item() for at in range(1, len(ids))]
    return [None, *({str(one): {"logprob": value}} for one, value in zip(ids[1:], values, strict=True))]


def complete(server, body):
    ids, logprobs = server.read(body["prompt"])
    top = logprobs[-1].topk(max(1, body.get("logprobs") or 0))
    made = int(logprobs[-1].argmax())
    tokens, values = [server.tokenizer.decode([made])], [logprobs[-1, made].item()]
    if body.get("echo"):
        tokens = [*(server.tokenizer.decode([token]) for token in ids), *tokens]
        values = [None, *(logprobs[at - 1, ids[at]].item() for at in range(1, len(ids))), *values]
        if not server.shows_generated:
            tokens, values = tokens[:-1], values[:-1]
        if not server.shows_first:
            tokens, values = tokens[1:], [None, *values[2:]]
    return {
        "id": "1", "object": "text_completion", "created": 0, "model": body["model"],
        "choices": [{
            "index": 0, "text": "", "finish_reason": "length",
            "prompt_logprobs": of_prompt(ids, logprobs) if "prompt_logprobs" in body else None,
            "logprobs": {
                "tokens": tokens, "token_logprobs": values, "text_offset": [0] * len(tokens),
                "top_logprobs": [{server.tokenizer.decode([token]): value.item()
                                  for token, value in zip(top.indices, top.values, strict=True)}],
            },
        }],
        "usage": {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1},
    }  # fmt: skip


def chat(server, body):
    if server.tokenizer.chat_template is None:
        ids, logprobs = server.read("\n\n".join(message["content"] for message in body["messages"]))
    else:
        text = server.tokenizer.apply_chat_template(
            body["messages"],
            tokenize=False,
            add_generation_prompt=body.get("add_generation_prompt", True),
            continue_final_message=body.get("continue_final_message", False),
            **body.get("chat_template_kwargs", {}),
        )
        ids, logprobs = server.read(text, special=False)
    top = logprobs[-1].topk(body.get("top_logprobs", 1))
    shown = [
        {"token": server.tokenizer.decode([token]), "logprob": value.item(), "bytes": None}
        for token, value in zip(top.indices, top.values, strict=True)
    ]
    return {
        "id": "1", "object": "chat.completion", "created": 0, "model": body["model"],
        "prompt_logprobs": of_prompt(ids, logprobs) if "prompt_logprobs" in body else None,
        "choices": [{
            "index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": ""},
            "logprobs": {"content": [{**shown[0], "top_logprobs": shown}]},
        }],
        "usage": {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1},
    }  # fmt: skip


@contextmanager
def serving(directory, **options):
    """Run a server for as long as the block lasts."""
    server = ModelServer(directory, **options)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
