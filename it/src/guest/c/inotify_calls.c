// inotify: each event as it is told; the native run is the oracle.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#define P(...) do{printf(__VA_ARGS__);fflush(stdout);}while(0)
static int in;
static void show(const char*w) {
  char b[8192];
  P("%s:",w);
  static unsigned cookie;
  unsigned c0=0;
  for(;;) {
    long n=read(in,b,sizeof b);
    if(n<=0)break;
    for(long o=0;o<n;) {
      struct inotify_event*e=(void*)(b+o);
      P(" [%d %x %s len %d%s]",e->wd,e->mask,e->len?e->name:"-",e->len,e->cookie?(c0==e->cookie?" same":" cookie"):"");
      if(e->cookie)c0=e->cookie;
      o+=16+e->len;
    }
  }
  P("\n");
}
int main() {
  mkdir("/tmp",0777);
  errno=0;
  mkdir("/tmp/ind",0755);
  in=inotify_init1(IN_NONBLOCK|IN_CLOEXEC);
  int d=inotify_add_watch(in,"/tmp/ind",IN_ALL_EVENTS);
  P("wd %d\n",d);
  int f=open("/tmp/ind/a",O_CREAT|O_RDWR,0600);
  show("create");
  write(f,"xy",2);
  show("write");
  write(f,"z",1);
  write(f,"z",1);
  show("coalesced");
  char c;
  pread(f,&c,1,0);
  show("read");
  fchmod(f,0644);
  show("chmod");
  ftruncate(f,0);
  show("trunc");
  close(f);
  show("close");
  int w2=inotify_add_watch(in,"/tmp/ind/a",IN_ALL_EVENTS);
  P("wd %d again %d\n",w2,inotify_add_watch(in,"/tmp/ind/a",IN_ALL_EVENTS));
  f=open("/tmp/ind/a",O_RDONLY);
  close(f);
  show("open close");
  rename("/tmp/ind/a","/tmp/ind/bb");
  show("rename");
  mkdir("/tmp/ind/sub",0755);
  show("mkdir");
  rename("/tmp/ind/bb","/tmp/ind/sub/x");
  show("move out");
  rename("/tmp/ind/sub/x","/tmp/ind/y");
  show("move in");
  link("/tmp/ind/y","/tmp/ind/l");
  show("link");
  unlink("/tmp/ind/l");
  show("unlink link");
  int n;
  f=open("/tmp/ind/y",O_WRONLY|O_TRUNC);
  ioctl(in,FIONREAD,&n);
  P("fionread %d\n",n);
  show("trunc open");
  close(f);
  show("close");
  unlink("/tmp/ind/y");
  show("unlink");
  rmdir("/tmp/ind/sub");
  show("rmdir");
  symlink("q","/tmp/ind/s");
  show("symlink");
  mkfifo("/tmp/ind/ff",0600);
  show("fifo");
  P("rm %d %d\n",inotify_rm_watch(in,99),errno);
  P("rm %d\n",inotify_rm_watch(in,d));
  show("rm");
  d=inotify_add_watch(in,"/tmp/ind",IN_CREATE|IN_ONESHOT);
  close(open("/tmp/ind/1",O_CREAT,0600));
  close(open("/tmp/ind/2",O_CREAT,0600));
  show("oneshot");
  P("notdir %d %d\n",inotify_add_watch(in,"/tmp/ind/1",IN_ONLYDIR|IN_OPEN),errno);
  P("noent %d %d\n",inotify_add_watch(in,"/tmp/ind/none",IN_OPEN),errno);
  P("mask0 %d %d\n",inotify_add_watch(in,"/tmp/ind",0),errno);
  d=inotify_add_watch(in,"/tmp/ind",IN_DELETE_SELF|IN_DELETE);
  unlink("/tmp/ind/1");
  unlink("/tmp/ind/2");
  unlink("/tmp/ind/s");
  unlink("/tmp/ind/ff");
  char b[4];
  P("small %ld %d\n",(long)read(in,b,4),errno);
  {
    char x[9000];
    read(in,x,9000);
  }
  P("rmdir %d %d\n",rmdir("/tmp/ind"),errno);
  show("rmdir self");
  struct pollfd pf={in,POLLIN};
  P("poll %d\n",poll(&pf,1,0));
  return 0;
}
