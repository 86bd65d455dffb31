from mostread.cli.main import main

main()
