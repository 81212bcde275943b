"""The process runtime: drives one node as a real process (docs/design.md, "Nodes and their process runtime").

Standard library only, so that it runs on any host with Python 3.11 from one zipapp. A supervisor
starts it, writes the configuration on its standard input, and reads its control lines.
"""
