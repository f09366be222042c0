"""What the simulator says: prose to look at, chosen by what the prompt asks for."""

from random import Random

from app.simulator.conversation import Conversation, result_text

RIVERS = """# How a river finds its way

A river never looks for the sea. Each drop of it only looks for the next lower place, and the sea is where there is none left.

## From spring to stream

Rain that falls on a hill has three choices: it **evaporates**, it **seeps** into the ground, or it *runs off*. What seeps comes back later as a spring, which is why a good river flows on through a dry month.

1. In the hills it is young and cuts downwards: narrow valleys, waterfalls, boulders.
2. On the slopes it carries what it cut, and spreads it out where the ground flattens.
3. In the plain it is old and wanders: it cuts the outside of each bend and fills the inside.

| river | length | what it is known for |
| :--- | ---: | --- |
| Nile | 6,650 km | a flood that made a calendar |
| Amazon | 6,400 km | a fifth of all fresh water that reaches the sea |
| Vistula | 1,047 km | sandbars that move from year to year |

> "No man steps in the same river twice", said Heraclitus, and a hydrologist would add: nor does the river.

So the bend you see from the bridge is not a place but a habit. Come back in a hundred years, and it will have moved downstream."""

CODE = """Here is a small least-recently-used cache. A dictionary remembers the order in which keys were inserted, so *moving a key to the end* is all that "used" has to mean.

```python
from collections import OrderedDict


class LRU[K, V]:
    \"\"\"Keeps the `size` entries that were used last.\"\"\"

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key]

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
```

And the same idea in Rust, where ownership makes the linked list the hard part:

```rust
pub struct Lru<K, V> {
    map: HashMap<K, (V, u64)>,
    clock: u64,
    size: usize,
}
```

A query to see which keys would have been worth keeping:

```sql
SELECT key, count(*) AS uses
FROM requests
WHERE at > now() - interval '1 hour'
GROUP BY key
ORDER BY uses DESC
LIMIT 20;
```

Both operations take constant time. If you need expiry as well, store the deadline beside the value and check it in `get`: an entry that nobody asks for costs memory but never a wrong answer."""

TABLE = """Three ways to get events into a browser, and when each is the right one:

| | Server-sent events | WebSocket | Long polling |
| --- | :---: | :---: | :---: |
| direction | server → client | both | server → client |
| over plain HTTP | ✓ | after an upgrade | ✓ |
| reconnects by itself | ✓, with `Last-Event-ID` | ✗ | by its nature |
| through old proxies | unbuffered, yes | sometimes not | ✓ |
| cost of one message | ~20 bytes | 2–14 bytes | a request |

- **Server-sent events** when the server speaks and the client listens. A stream that breaks is resumed after the last id.
- **WebSocket** when both talk at any time:
  - games,
  - shared editors,
  - anything with presence.
- **Long polling** when nothing else comes through.

For answers of a language model the first is enough: you ask once, by `POST`, and then listen."""

TCP = """TCP notices that the other side is gone in one of four ways, and only the first is quick.

1. **It says goodbye.** A closed socket sends `FIN`; a crashed process's kernel does that for it.
2. **It is rude.** Data for a socket that no longer exists is answered with `RST`.
3. **It is silent while we speak.** What we send is not acknowledged, is sent again after 200 ms, 400 ms, 800 ms… and after about 15 minutes (`tcp_retries2`) the kernel gives up.
4. **It is silent while we listen.** Then TCP notices *nothing at all*. A pulled cable looks exactly like a quiet friend.

$$
t_{\\text{give up}} \\approx \\sum_{k=0}^{15} \\min(0.2 \\cdot 2^k,\\ 120)\\ \\text{s}
$$

The remedy is to talk: keep-alives of the kernel (`SO_KEEPALIVE`, two hours by default!), or better, of the protocol, a comment line every 15 seconds. Whoever hears nothing for two or three of them may hang up.

> The absence of a message is not a message. You have to agree beforehand when silence means something."""

POEM = """**The gateway**

A word set out from somewhere far away,
and crossed a hundred hops to reach the glass;
the line went dead, as lines will, yesterday:
the word stood still and let the silence pass.

Then someone knocked. "What did you see?" it said.
"The last was *pass*." "Then *pass* is where we are."
And on it went, as if it had been read
without a breath, by one unbroken star.

🌍 → 🛰️ → 👩‍💻, and back again."""

LANGUAGES = """One sentence, eight scripts:

- English: The river does not hurry, and still it arrives.
- Polski: Rzeka się nie spieszy, a jednak dopływa. Zażółć gęślą jaźń!
- Русский: Река не спешит, и всё же приходит.
- العربية: النهر لا يستعجل، ومع ذلك يصل.
- עברית: הנהר אינו ממהר, ובכל זאת הוא מגיע.
- 日本語: 川は急がない。それでも、たどり着く。
- 中文: 河流不急，却终会到达。
- हिन्दी: नदी जल्दी नहीं करती, फिर भी पहुँच जाती है।

And a few characters that are made of several: 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 é (e + ◌́) 🇵🇱. If one of them looks broken, something on the way cut it in two."""

GENERAL = """Let me take **{topic}** in three steps.

### What it is

At its simplest, {topic} is a question of *what changes and what stays*. Most confusion about it comes from mixing the two: we describe the part that moves and forget to name the part that holds it.

### How to think about it

1. Start from an example that is small enough to hold in your head.
2. Change one thing at a time, and write down what you expected *before* you look.
3. Keep the surprises. They are where the understanding is.

- A good model of {topic} fits on a page.
- A good *explanation* of it fits in a conversation.

### What to do next

Try it on the smallest case that matters to you. If it still makes sense there, it will probably survive the next larger one; if it does not, you have saved yourself a detour.

(This answer is simulated: the words are real, the thinking is not.)"""

TOPICS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("river", "water", "sea"), RIVERS),
    (("code", "python", "rust", "sql", "cache", "function", "program"), CODE),
    (("table", "compare", "sse", "websocket", "polling"), TABLE),
    (("tcp", "network", "connection", "gone", "math", "formula"), TCP),
    (("poem", "story", "verse"), POEM),
    (("language", "script", "arabic", "japanese", "emoji", "translate", "polish"), LANGUAGES),
)

THOUGHTS = (
    "The question is about {topic}. Let me see what matters most here, and in what order to say it.",
    "First the plain idea, then an example that can be checked, then where it stops being true.",
    "I should keep it short, and say what I am not sure of.",
)


def prose(conversation: Conversation, random: Random, words: int = 0) -> str:
    """Return the answer to the question of *conversation*, at least *words* long."""
    if results := conversation.results:
        lines = [f"- `{name}` says: {result_text(result)[:400] or 'nothing'}" for name, result in results]
        return "Here is what I found:\n\n" + "\n".join(lines) + "\n\nSo that settles the question."
    question = conversation.question
    asked = question.lower()
    chosen = [text for keys, text in TOPICS if any(key in asked for key in keys)]
    text = chosen[0] if chosen else GENERAL.format(topic=_topic(question))
    if any(word in asked for word in ("long", "essay", "500 words", "detail")):
        words = max(words, 800)
    rest = [each for _, each in TOPICS if each is not text]
    random.shuffle(rest)
    while len(text.split()) < words and rest:
        text += "\n\n---\n\n" + rest.pop()
    return text


def thought(conversation: Conversation) -> str:
    """Return what Claude might think before it answers."""
    return " ".join(THOUGHTS).format(topic=_topic(conversation.question))


def _topic(question: str) -> str:
    words = [word.strip(".,;:!?\"'()") for word in question.split()]
    long = [word for word in words if len(word) > 3]
    return " ".join((long or words)[-3:]) or "this"
