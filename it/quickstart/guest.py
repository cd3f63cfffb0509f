"""What the quickstart freezes: a dictionary, a thread, a pipe and a counter, all of which must go on after a thaw."""
import os
import threading
import time

squares = {}
reader, writer = os.pipe()


def produce():
    number = 0
    while True:
        number += 1
        os.write(writer, b"%d\n" % number)
        time.sleep(0.05)


threading.Thread(target=produce, daemon=True).start()
for line in os.fdopen(reader):
    number = int(line)
    squares[number] = number * number
    print(f"{number}: the dictionary holds {len(squares)} squares, their sum is {sum(squares.values())}", flush=True)
