"""`python -m biaozhu` is the command `biaozhu`."""

from biaozhu.cli import main

if __name__ == "__main__":
    main()
