/* A web server of one page.
 *
 * The only argument is the name of a file: the address in its first line, the port in its second, and then the page. */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAGE_SIZE = 65536, LINE_SIZE = 256 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void read_line(FILE *file, char *line)
{
    if (fgets(line, LINE_SIZE, file) == NULL)
        fail("the configuration is too short");
    line[strcspn(line, "\n")] = '\0';
}

static int listen_at(const char *address, int port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};
    int yes = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (inet_pton(AF_INET, address, &where.sin_addr) != 1) {
        fprintf(stderr, "not an address: %s\n", address);
        exit(1);
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&where, sizeof where) != 0)
        fail("bind");
    if (listen(listener, 16) != 0)
        fail("listen");
    return listener;
}

static void write_all(int peer, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = send(peer, bytes, size, MSG_NOSIGNAL);
        if (written <= 0)
            return;
        bytes += written;
        size -= (size_t)written;
    }
}

/* Wait for the empty line that ends the head of a request, but not for ever. */
static void read_head(int peer)
{
    struct timeval limit = {.tv_sec = 5};
    char head[8192];
    size_t size = 0;

    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    while (size < sizeof head - 1) {
        ssize_t got = recv(peer, head + size, sizeof head - 1 - size, 0);
        if (got <= 0)
            return;
        size += (size_t)got;
        head[size] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL)
            return;
    }
}

int main(int count, char **arguments)
{
    char address[LINE_SIZE], port[LINE_SIZE], head[LINE_SIZE];
    static char page[PAGE_SIZE];
    FILE *file;
    size_t size;
    int listener;

    if (count != 2 || (file = fopen(arguments[1], "r")) == NULL)
        fail("usage: hello CONFIGURATION");
    read_line(file, address);
    read_line(file, port);
    size = fread(page, 1, sizeof page, file);
    fclose(file);

    listener = listen_at(address, atoi(port));
    snprintf(head, sizeof head,
             "HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n\r\n", size);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0)
            continue;
        read_head(peer);
        write_all(peer, head, strlen(head));
        write_all(peer, page, size);
        close(peer);
    }
}
