"""All benchmarks, one after another: `python -m benchmarks`."""

from benchmarks import autograd, gan, image_cnn, loop, lstm, tables, text

tables.main()
autograd.main()
lstm.main()
image_cnn.main()
gan.main()
text.main()
loop.main()
