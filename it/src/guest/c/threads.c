/* 16 threads and mutexes; the sum is known. Build: gcc -O2 -pthread -o threads threads.c */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 16, ROUNDS = 20000, SLOTS = 4 };
static pthread_mutex_t mutex[SLOTS];
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t done_mutex = PTHREAD_MUTEX_INITIALIZER;
static long sum[SLOTS];
static int finished;

static void *add(void *argument) {
  long id = (long)argument;
  for (int i = 0; i < ROUNDS; i++) {
    int slot = (id + i) % SLOTS;
    pthread_mutex_lock(&mutex[slot]);
    sum[slot] += id;
    pthread_mutex_unlock(&mutex[slot]);
  }
  pthread_mutex_lock(&done_mutex);
  finished++;
  pthread_cond_signal(&done);
  pthread_mutex_unlock(&done_mutex);
  return argument;
}

int main(void) {
  pthread_t thread[THREADS];
  for (int i = 0; i < SLOTS; i++) pthread_mutex_init(&mutex[i], 0);
  for (long i = 0; i < THREADS; i++) pthread_create(&thread[i], 0, add, (void *)i);
  pthread_mutex_lock(&done_mutex);
  while (finished < THREADS) pthread_cond_wait(&done, &done_mutex);
  pthread_mutex_unlock(&done_mutex);
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], 0);
  long total = 0;
  for (int i = 0; i < SLOTS; i++) total += sum[i];
  printf("%ld\n", total);
  return 0;
}
