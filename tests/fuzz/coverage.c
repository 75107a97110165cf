/* Tells libFuzzer which branches were taken, for code that GCC compiled with -fsanitize-coverage=trace-pc: libFuzzer
   knows Clang's counters, so each branch counts in one that its address chooses. */

#include <stdint.h>

enum { COUNTERS = 1 << 15 };

static uint8_t counters[COUNTERS];
static uintptr_t places[COUNTERS][2]; /* libFuzzer wants an address and flags for each counter */

void __sanitizer_cov_8bit_counters_init(uint8_t *begin, uint8_t *end);
void __sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end);

void __sanitizer_cov_trace_pc(void) {
    uint64_t place = (uint64_t)(uintptr_t)__builtin_return_address(0);
    uint8_t *counter = &counters[(place * UINT64_C(0x9E3779B97F4A7C15)) >> 49];
    if (*counter != 255)
        ++*counter;
}

/* Comparisons of floats, which libFuzzer does not learn from. */
void __sanitizer_cov_trace_cmpf(float a, float b) { (void)a, (void)b; }
void __sanitizer_cov_trace_cmpd(double a, double b) { (void)a, (void)b; }

__attribute__((constructor)) static void announce(void) {
    for (int i = 0; i < COUNTERS; i++)
        places[i][0] = (uintptr_t)&counters[i];
    __sanitizer_cov_8bit_counters_init(counters, counters + COUNTERS);
    __sanitizer_cov_pcs_init(&places[0][0], &places[COUNTERS][0]);
}
