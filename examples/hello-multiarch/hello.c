#include <stdio.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
#define BUILT_FOR "x86_64"
#elif defined(__aarch64__)
#define BUILT_FOR "aarch64"
#else
#error "hello is released for x86-64 and 64-bit Arm"
#endif

int main(void)
{
    struct utsname machine;

    if (uname(&machine) != 0) {
        perror("uname");
        return 1;
    }
    printf("hello, built for %s, running on %s\n", BUILT_FOR, machine.machine);
    return 0;
}
