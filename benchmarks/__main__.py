"""All benchmarks, one after another: `python -m benchmarks`."""

from benchmarks import autograd, loop, lstm, tables

tables.main()
autograd.main()
lstm.main()
loop.main()
