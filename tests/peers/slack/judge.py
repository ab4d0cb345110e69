"""Whether Slack's own library takes messages and views: JSON lines in, a line a fault out."""
import json
import sys
import warnings

from slack_sdk.models.blocks import Block
from slack_sdk.models.messages.chunk import Chunk
from slack_sdk.models.views import View

warnings.simplefilter("error")


def lost(sent, kept, at):
    """What the library does not know of a thing, and so leaves out."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, part in sent.items():
            if name not in kept:
                yield f"{at}/{name} is unknown"
            else:
                yield from lost(part, kept[name], f"{at}/{name}")
    elif isinstance(sent, list) and isinstance(kept, list):
        for n, (part, other) in enumerate(zip(sent, kept)):
            yield from lost(part, other, f"{at}/{n}")
    elif sent != kept:
        yield f"{at} is {kept!r} for it, not {sent!r}"


def piece_faults(piece):
    """What is wrong with a piece of a stream."""
    parsed = Chunk.parse(json.loads(json.dumps(piece)))
    if parsed is None:
        yield f"{piece['type']} is no piece"
        return
    parsed.validate_json()
    yield from lost(piece, json.loads(json.dumps(parsed.to_dict())), piece["type"])


def faults(sent):
    try:
        for piece in sent.get("chunks") or []:
            yield from piece_faults(piece)
        if sent.get("view"):
            view = View(**sent["view"])
            view.validate_json()
            blocks = sent["view"]["blocks"]
        else:
            blocks = sent.get("blocks") or []
        for n, block in enumerate(blocks):
            parsed = Block.parse(json.loads(json.dumps(block)))
            if parsed is None:
                yield f"{n} is no block"
                continue
            parsed.validate_json()
            yield from lost(block, json.loads(json.dumps(parsed.to_dict())), f"{n}:{block['type']}")
    except Exception as fault:
        yield f"{type(fault).__name__}: {fault}"


n_judged = 0
for line in sys.stdin:
    sent = json.loads(line)
    n_judged += 1
    for fault in faults(sent):
        print(f"{sent['name']}: {fault}")
print(f"{n_judged} judged", file=sys.stderr)
