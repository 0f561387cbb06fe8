import sys


def main():
	print("tabs here")


if __name__ == "__main__":
    main()
