"""What is measured: values, tasks, data, models, graders, statistics and the decision."""
