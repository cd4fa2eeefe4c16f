"""A budgeted search for a prompt: proposals made from train failures, chosen by what they do on dev."""
