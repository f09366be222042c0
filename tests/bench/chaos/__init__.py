"""Random faults on both sides of a gateway, from a seed: is every reader right at every moment?

::

    readers ─▶ FaultProxy, one for each lane ─▶ claude-gateway, as it is shipped ─▶ a Claude that goes on exactly

``uv run python -m tests.bench.chaos --generations 2000 --faults 4000 --seed 1``

Each generation has a plan, made from the seed and its number alone: a text with everything that makes encoders
stumble, what Claude's calls do (refuse, break, fall silent, dribble, repeat themselves at a joint), and what its
readers do and suffer (resets, cuts, stalls, slices, slow lines, lost questions, double resumes, reloads, cancels,
leaving). What a plan does is the same in each run; when exactly it happens to which byte is not.

Checked, and each violation printed with the number of its generation:

- at every event: what the reader has is a prefix of the text; ids rise; nothing comes after the terminal event;
- at the end: the text is whole, its digest right, one terminal event, one ``[DONE]``, the same in the snapshot;
- every call of Claude: what the gateway says has been said is a prefix; no more calls than the plan's breaks allow;
- the process: memory does not grow, no reader, generation or connection is left over, a clean log, exit code 0.

The exit code is 1 if anything was violated, or if fewer faults happened than were asked for.

=============  ==========================================================
``plan``       what happens to one generation, from a seed and its number
``claude``     a Claude that breaks as planned, and goes on exactly
``reader``     one reader: right at every event, whole at the end
``play``       a plan, carried out on a line that breaks
``findings``   what happened, and what should not have
``run``        all of them on one gateway, and what is left of it
=============  ==========================================================
"""
