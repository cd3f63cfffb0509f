"""Four threads and two child processes on pipes, all counting; each line says what was lost, if anything was."""
import os
import queue
import sys
import threading
import time

rounds = int(sys.argv[1])
table = {}
results = queue.Queue()


def child(reader, writer):
    for line in reader:
        number = int(line)
        writer.write(f"{number * number}\n")
        writer.flush()


def spawn():
    to_child, from_parent = os.pipe()
    to_parent, from_child = os.pipe()
    if os.fork() == 0:
        os.close(from_parent)
        os.close(to_parent)
        child(os.fdopen(to_child), os.fdopen(from_child, "w"))
        os._exit(0)
    os.close(to_child)
    os.close(from_child)
    return os.fdopen(from_parent, "w"), os.fdopen(to_parent)


def work(name, lock=threading.Lock()):
    for i in range(rounds):
        with lock:
            table[name, i] = i
        time.sleep(0.01)
    results.put(name)


children = [spawn() for _ in range(2)]
threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
for thread in threads:
    thread.start()
print("ready", flush=True)
for i in range(rounds):
    for to_child, from_child in children:
        to_child.write(f"{i}\n")
        to_child.flush()
        square = int(from_child.readline())
        if square != i * i:
            print(f"wrong square {square} of {i}", flush=True)
    print(f"n {i}", flush=True)
    time.sleep(0.01)
for thread in threads:
    thread.join()
for to_child, from_child in children:
    to_child.close()
for _ in children:
    os.wait()
print("table", len(table), sum(table.values()), sorted(results.get() for _ in range(4)), flush=True)
