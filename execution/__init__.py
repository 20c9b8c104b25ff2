"""Running plans: fragments in threads of their own, the residual in DataFusion, one stream out."""
