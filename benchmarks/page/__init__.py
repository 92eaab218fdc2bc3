"""What the benchmark of the dashboard is made of: a stream of events, a JupyterLab and a browser to look at it."""
