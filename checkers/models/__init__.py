"""Sequential models: what each data type promises when nothing is concurrent."""
