/* Threads for one call: they take units of work from a counter and meet at barriers.
 *
 * A barrier spins for some 50 µs and then sleeps. OpenMP's spin for milliseconds, before and after the call too; where
 * other programs share the cores, that keeps the thread waited for from running (a pass of 60 ms took 1,000). Which
 * thread does a unit changes no bit, since no sum is shared between units. */
#ifndef SAMEBYTES_TEAM_H
#define SAMEBYTES_TEAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "tile.h"

#define MOST_THREADS 256
#define SPINS 1000

typedef struct Team Team;

typedef struct {
    Team *team;
    int index;   /* 0 … threads - 1 */
    size_t loop; /* loops finished */
} Worker;

typedef void Job(Worker *worker, void *arguments);

struct Team {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    atomic_int arrived, generation;
    atomic_size_t next[2]; /* the counter of even and of odd loops */
    int threads;
    Job *job;
    void *arguments;
    Worker workers[MOST_THREADS];
};

/* The next unit of the current loop, for any worker. */
static inline size_t take_unit(Worker *worker) { return atomic_fetch_add(&worker->team->next[worker->loop & 1], 1); }

static inline void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Ends a loop: every worker calls it, and goes on when all have. */
static void finish_loop(Worker *worker)
{
    Team *team = worker->team;
    if (team->threads == 1) {
        atomic_store(&team->next[worker->loop++ & 1], 0);
        return;
    }
    const int generation = atomic_load(&team->generation);
    worker->loop++;
    if (atomic_fetch_add(&team->arrived, 1) + 1 == team->threads) {
        atomic_store(&team->arrived, 0);
        atomic_store(&team->next[(worker->loop + 1) & 1], 0); /* of the loop just finished: nobody is in it */
        pthread_mutex_lock(&team->mutex);
        atomic_store(&team->generation, generation + 1);
        pthread_cond_broadcast(&team->changed);
        pthread_mutex_unlock(&team->mutex);
        return;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&team->generation) != generation)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->generation) == generation)
        pthread_cond_wait(&team->changed, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

static void *start_worker(void *argument)
{
    Worker *worker = argument;
    pthread_mutex_lock(&worker->team->mutex); /* until the number of threads is known */
    pthread_mutex_unlock(&worker->team->mutex);
    worker->team->job(worker, worker->team->arguments);
    tile_leave();
    return NULL;
}

/* Runs job on up to `threads` threads, the caller among them, and returns when all have finished. */
static void run_team(int threads, Job *job, void *arguments)
{
    Team team = {.threads = 1, .job = job, .arguments = arguments};
    pthread_t handles[MOST_THREADS];
    pthread_mutex_init(&team.mutex, NULL);
    pthread_cond_init(&team.changed, NULL);
    team.workers[0] = (Worker){&team, 0, 0};
    pthread_mutex_lock(&team.mutex);
    for (; team.threads < threads && team.threads < MOST_THREADS; team.threads++) {
        Worker *worker = &team.workers[team.threads];
        *worker = (Worker){&team, team.threads, 0};
        if (pthread_create(&handles[team.threads], NULL, start_worker, worker))
            break; /* fewer threads, same bits */
    }
    pthread_mutex_unlock(&team.mutex);
    job(&team.workers[0], arguments);
    tile_leave();
    for (int i = 1; i < team.threads; i++)
        pthread_join(handles[i], NULL);
    pthread_cond_destroy(&team.changed);
    pthread_mutex_destroy(&team.mutex);
}

#endif
