"""What a beginner starts from: a script that trains and exports a first model, made for a benchmark."""
