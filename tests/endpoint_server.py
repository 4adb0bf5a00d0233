"""A small OpenAI-compatible server around a real Hugging Face model, so that tests need no other server.

It answers /completions with `echo` and `logprobs`, and /chat/completions with the most likely first tokens, as vendors do;
both with `prompt_logprobs` where it is asked to, as vLLM does, and of prompts and tokens by their numbers with
`logprob_token_ids`, as vLLM's completions from 0.26 on. It can be told to fail, and counts what it is asked.
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
    that begins a text, and the one that is generated, stand among the tokens shown; `names_tokens`: whether it knows
    `logprob_token_ids`. Servers differ in all three. `bodies` has what it was asked.
    """

    def __init__(
        self, directory, key=None, failures=0, shows_first=True, shows_generated=True, names_tokens=True
    ):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModelForCausalLM.from_pretrained(directory).eval()
        for module in self.model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False
        self.key, self.failures, self.asked = key, failures, 0
        self.shows_first, self.shows_generated, self.names_tokens = shows_first, shows_generated, names_tokens
        self.bodies = []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def read(self, text, special=True):
        """Return the tokens of a text, or of numbers these, and the log-probabilities behind each, shape (tokens, vocabulary)."""
        ids = self.tokenizer(text, add_special_tokens=special)["input_ids"] if isinstance(text, str) else text
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
        self.server.bodies.append(body)
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
                try:
                    status, content = 200, make()
                except IndexError:  # a token that the model does not have
                    status, content = 400, {"error": {"message": "out of vocabulary"}}
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
    as_numbers = body.get("return_tokens_as_token_ids")

    def name(token):
        return f"token_id:{int(token)}" if as_numbers else server.tokenizer.decode([token])

    made = int(logprobs[-1].argmax())
    # vLLM gives the token that it made and those that were named, else the most likely.
    wanted = (body.get("logprob_token_ids") or []) if server.names_tokens else []
    wanted = [made, *wanted] if wanted else logprobs[-1].topk(max(1, body.get("logprobs") or 0)).indices
    tokens, values, said = [name(made)], [logprobs[-1, made].item()], ""
    shown = [{name(token): logprobs[-1, token].item() for token in wanted}]
    if body.get("echo"):
        said = server.tokenizer.decode(ids)
        shown = [None] * len(ids) + shown
        tokens = [*(name(token) for token in ids), *tokens]
        values = [None, *(logprobs[at - 1, ids[at]].item() for at in range(1, len(ids))), *values]
        if not server.shows_generated:
            tokens, values = tokens[:-1], values[:-1]
        if not server.shows_first:
            tokens, values = tokens[1:], [None, *values[2:]]
    return {
        "id": "1", "object": "text_completion", "created": 0, "model": body["model"],
        "choices": [{
            "index": 0, "text": said + server.tokenizer.decode([made]), "finish_reason": "length",
            "prompt_logprobs": of_prompt(ids, logprobs) if "prompt_logprobs" in body else None,
            "logprobs": {
                "tokens": tokens, "token_logprobs": values, "text_offset": [0] * len(tokens),
                "top_logprobs": shown,
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
