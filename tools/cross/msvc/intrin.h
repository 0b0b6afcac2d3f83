/* The part of Microsoft's <intrin.h> that cyrelu uses, declared as documented. */
void __cpuidex(int info[4], int leaf, int subleaf);
unsigned long long _xgetbv(unsigned int);
unsigned _mm_getcsr(void);
void _mm_setcsr(unsigned);
void _mm_pause(void);
long _InterlockedExchange(long volatile *, long);
long _InterlockedExchangeAdd(long volatile *, long);
long _InterlockedOr(long volatile *, long);
long _InterlockedCompareExchange(long volatile *, long exchange, long comparand);
void *_InterlockedExchangePointer(void *volatile *, void *);
