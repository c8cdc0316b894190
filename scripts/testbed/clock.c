/* A clock that jumps, to be preloaded: civil time is so many seconds ahead of the machine's as the file that
 * TESTBED_CLOCK names says (a 64-bit integer, which may change at any time). What runs monotonically is left alone, as
 * it is when somebody sets a machine's clock. But for a second integer there: so many milliseconds CLOCK_BOOTTIME stood
 * still, as that of a virtual machine may that is paused.
 *
 * libfaketime is not of use here: it changes the environment before main, and Swift then finds no arguments. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *skew;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TESTBED_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *place = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (place != MAP_FAILED) skew = place;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int status = (int)syscall(SYS_clock_gettime, clock, time);
    if (status == 0 && skew != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        time->tv_sec += *skew;
    }
    if (status == 0 && skew != NULL && clock == CLOCK_BOOTTIME) {
        int64_t nanoseconds = time->tv_sec * 1000000000LL + time->tv_nsec - skew[1] * 1000000LL;
        time->tv_sec = nanoseconds / 1000000000LL;
        time->tv_nsec = nanoseconds % 1000000000LL;
    }
    return status;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}
