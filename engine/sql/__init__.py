"""How to say it: quoting, and the templates that turn one step into one statement."""
