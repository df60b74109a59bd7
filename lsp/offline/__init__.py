"""Proof on the user's own machine that Postil opens no connection: `postil doctor --prove-offline`.

enter (a network that leads nowhere) <- controls (attempts that must be stopped there) , job (what
Postil does all day) , trace (what strace saw) <- proof (runs them and gives the verdict)
"""
