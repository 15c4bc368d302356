"""All benchmarks, one after another: `python -m benchmarks`."""

from benchmarks import autograd, environments, gan, image_cnn, loop, lstm, tables

tables.main()
autograd.main()
lstm.main()
image_cnn.main()
gan.main()
environments.main()
loop.main()
