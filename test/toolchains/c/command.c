/* What the tests ask of a command: see ../command.test.ts. */
#include <stdio.h>
#include <stdlib.h>

static char input[65536];

int main(int argc, char **argv) {
  const char *greeting = getenv("GREETING");
  for (int i = 1; i < argc; i++) printf("arg %s\n", argv[i]);
  printf("env %s\n", greeting == NULL ? "none" : greeting);

  size_t length = fread(input, 1, sizeof input, stdin);
  FILE *copy = fopen("/data/copy.txt", "w");
  if (copy == NULL) {
    perror("/data/copy.txt");
    return 1;
  }
  fwrite(input, 1, length, copy);
  fclose(copy);
  printf("copied %zu\n", length);
  fputs("bye\n", stderr);
  return argc > 1 ? atoi(argv[1]) : 0;
}
