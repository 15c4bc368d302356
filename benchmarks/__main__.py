"""All benchmarks, one after another: `python -m benchmarks`."""

from benchmarks import loop, lstm

lstm.main()
loop.main()
