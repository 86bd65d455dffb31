from mostread.cli import main

main()
