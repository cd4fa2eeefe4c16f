"""`wb distill`: inputs without answers, labelled by the best approach or a stronger model, kept where graders
that need no reference accept the answer; and the rows of such a file as training rows."""
