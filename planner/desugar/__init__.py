"""What the engine cannot plan, or plans wrongly, written as something that it plans rightly.

`desugar` rewrites a statement's tree before it is bound. Each construct is a module with one pass,
whose docstring says why the rewrite is exact. What the engine answers rightly is left alone.
"""
