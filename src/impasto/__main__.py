"""`python -m impasto`: the command line, as `accelerate launch -m impasto` starts it."""

from impasto.cli.main import main

if __name__ == "__main__":
    main()
