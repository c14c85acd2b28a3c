mod lanes;
mod verdicts;
