"""All benchmarks, one after another: `python -m benchmarks`."""

from benchmarks import autograd, environments, gan, image_cnn, linear_rows, loop, lstm, q_learning, tables, text

tables.main()
autograd.main()
lstm.main()
image_cnn.main()
gan.main()
environments.main()
q_learning.main()
linear_rows.main()
text.main()
loop.main()
