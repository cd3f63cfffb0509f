// Pipes, polling, event descriptors and devices: each call says what it answered; the native run is the oracle.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/signalfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/mman.h>
#include <time.h>
#include <stdint.h>
#include <stddef.h>
#define P(...) do{printf(__VA_ARGS__);fflush(stdout);}while(0)
static volatile int got;
static void h(int s) {
  got=s;
}
static void*wr(void*a) {
  int fd=*(int*)a;
  usleep(30000);
  write(fd,"abc",3);
  return 0;
}
static void*rdall(void*a) {
  int fd=*(int*)a;
  char b[1000];
  long n,t=0;
  usleep(20000);
  while((n=read(fd,b,1000))>0)t+=n;
  return (void*)t;
}
static long ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC,&t);
  return t.tv_sec*1000+t.tv_nsec/1000000;
}
int main() {
  mkdir("/tmp", 0777);
  errno = 0;
  int p[2];
  char b[70000];
  pthread_t t;
  struct pollfd pf[3];
  P("pipe %d\n",pipe2(p,O_CLOEXEC));
  P("getfd %d fl %x %x\n",fcntl(p[0],F_GETFD),fcntl(p[0],F_GETFL),fcntl(p[1],F_GETFL));
  struct stat st;
  fstat(p[0],&st);
  P("mode %o size %ld\n",st.st_mode,(long)st.st_size);
  P("write %ld\n",(long)write(p[1],"hello",5));
  int n;
  ioctl(p[0],FIONREAD,&n);
  P("fionread %d\n",n);
  P("read %ld\n",(long)read(p[0],b,100));
  P("bad: r on w %ld %d; w on r %ld %d\n",(long)read(p[1],b,1),errno,(long)write(p[0],b,1),errno);
  P("pipesz %d set %d\n",fcntl(p[0],F_GETPIPE_SZ),fcntl(p[0],F_SETPIPE_SZ,100));
  fcntl(p[0],F_SETPIPE_SZ,65536);
  P("lseek %ld %d\n",(long)lseek(p[0],0,SEEK_SET),errno);
  pthread_create(&t,0,wr,&p[1]);
  P("blocking read %ld\n",(long)read(p[0],b,10));
  pthread_join(t,0);
  pthread_create(&t,0,rdall,&p[0]);
  memset(b,1,70000);
  P("big write %ld\n",(long)write(p[1],b,70000));
  close(p[1]);
  void*r;
  pthread_join(t,&r);
  P("reader total %ld\n",(long)r);
  close(p[0]);
  pipe(p);
  close(p[0]);
  signal(SIGPIPE,h);
  P("epipe %ld %d got %d\n",(long)write(p[1],"x",1),errno,got);
  close(p[1]);
  // poll
  pipe(p);
  pf[0]=(struct pollfd){p[0],POLLIN,0};
  pf[1]=(struct pollfd){p[1],POLLOUT,0};
  pf[2]=(struct pollfd){99,POLLIN,0};
  P("poll %d: %x %x %x\n",poll(pf,3,0),pf[0].revents,pf[1].revents,pf[2].revents);
  long t0=ms();
  P("poll to %d",poll(pf,1,50));
  t0=ms()-t0;
  P(" ok %d\n",t0>=50&&t0<200);
  pthread_create(&t,0,wr,&p[1]);
  P("poll wake %d %x\n",poll(pf,1,-1),pf[0].revents);
  pthread_join(t,0);
  // select
  fd_set rs,ws;
  FD_ZERO(&rs);
  FD_ZERO(&ws);
  FD_SET(p[0],&rs);
  FD_SET(p[1],&ws);
  struct timeval tv={1,0};
  P("select %d %d %d\n",select(20,&rs,&ws,0,&tv),FD_ISSET(p[0],&rs),FD_ISSET(p[1],&ws));
  read(p[0],b,100);
  FD_ZERO(&rs);
  FD_SET(p[0],&rs);
  tv=(struct timeval){0,30000};
  P("select to %d tv %ld %ld\n",select(20,&rs,0,0,&tv),(long)tv.tv_sec,(long)tv.tv_usec);
  FD_ZERO(&rs);
  FD_SET(55,&rs);
  tv=(struct timeval){0,0};
  P("select bad %d %d\n",select(60,&rs,0,0,&tv),errno);
  // pselect w/ mask
  struct sigaction sa={.sa_handler=h};
  sigaction(SIGALRM,&sa,0);
  sigset_t m,e;
  sigemptyset(&e);
  sigemptyset(&m);
  sigaddset(&m,SIGALRM);
  sigprocmask(SIG_BLOCK,&m,0);
  kill(getpid(),SIGALRM);
  got=0;
  struct timespec ts={1,0};
  int rr=pselect(0,0,0,0,&ts,&e);
  P("pselect %d %d got %d\n",rr,errno,got);
  kill(getpid(),SIGALRM);
  got=0;
  rr=ppoll(pf,1,&ts,&e);
  P("ppoll %d %d got %d\n",rr,errno,got);
  ts=(struct timespec){0,2000000000};
  P("bad ts %d %d\n",ppoll(pf,1,&ts,0),errno);
  // signalfd
  kill(getpid(),SIGALRM);
  int sfd=signalfd(-1,&m,SFD_NONBLOCK);
  struct signalfd_siginfo si;
  pf[0]=(struct pollfd){sfd,POLLIN,0};
  P("sfd poll %d",poll(pf,1,0));
  P(" read %ld signo %d pid %d\n",(long)read(sfd,&si,sizeof si),si.ssi_signo,si.ssi_pid==getpid());
  P("again %ld %d short %ld %d\n",(long)read(sfd,&si,sizeof si),errno,(long)read(sfd,&si,10),errno);
  // eventfd
  int ef=eventfd(3,EFD_SEMAPHORE|EFD_NONBLOCK);
  uint64_t v;
  P("efd %ld %ld\n",(long)read(ef,&v,8),(long)v);
  v=-1;
  P("w max %ld %d\n",(long)write(ef,&v,8),errno);
  v=-2;
  P("w overflow %ld %d\n",(long)write(ef,&v,8),errno);
  v=5;
  write(ef,&v,8);
  int c=0;
  while(read(ef,&v,8)==8)c++;
  P("sem reads %d errno %d\n",c,errno);
  // timerfd
  int tf=timerfd_create(CLOCK_MONOTONIC,0);
  struct itimerspec its={{0,10000000},{0,20000000}},old;
  P("tset %d\n",timerfd_settime(tf,0,&its,0));
  usleep(55000);
  P("tread %ld",(long)read(tf,&v,8));
  P(" ticks ok %d\n",v>=4);
  timerfd_gettime(tf,&old);
  P("tget int %ld val ok %d\n",old.it_interval.tv_nsec,old.it_value.tv_nsec>0&&old.it_value.tv_nsec<=10000000);
  its=(struct itimerspec){{0,0},{0,1}};
  timerfd_settime(tf,TFD_TIMER_ABSTIME,&its,0);
  long past=read(tf,&v,8);
  P("abs past %ld %ld\n",past,(long)v);
  // epoll
  int ep=epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event ev={EPOLLIN,{.u64=42}},out[8];
  pipe(p);
  P("add %d",epoll_ctl(ep,EPOLL_CTL_ADD,p[0],&ev));
  P(" again %d %d\n",epoll_ctl(ep,EPOLL_CTL_ADD,p[0],&ev),errno);
  P("wait0 %d\n",epoll_wait(ep,out,8,0));
  pthread_create(&t,0,wr,&p[1]);
  P("wait %d",epoll_wait(ep,out,8,-1));
  P(" %x %ld\n",out[0].events,(long)out[0].data.u64);
  pthread_join(t,0);
  close(p[1]);
  P("hup %d",epoll_wait(ep,out,8,0));
  P(" %x\n",out[0].events);
  close(p[0]);
  P("gone %d\n",epoll_wait(ep,out,8,0));
  int reg=open("/tmp/reg",O_CREAT|O_RDWR,0600);
  P("reg %d %d\n",epoll_ctl(ep,EPOLL_CTL_ADD,reg,&ev),errno);
  P("self %d %d\n",epoll_ctl(ep,EPOLL_CTL_ADD,ep,&ev),errno);
  P("null %d %d\n",epoll_ctl(ep,EPOLL_CTL_ADD,0,0),errno);
  P("notep %d %d bad %d %d\n",epoll_ctl(reg,EPOLL_CTL_ADD,ef,&ev),errno,epoll_ctl(77,EPOLL_CTL_ADD,ef,&ev),errno);
  t0=ms();
  P("ep to %d",epoll_wait(ep,out,8,40));
  t0=ms()-t0;
  P(" ok %d\n",t0>=40&&t0<200);
  P("max0 %d %d\n",epoll_wait(ep,out,0,0),errno);
  // fork + pipe + wait
  pipe(p);
  pid_t pid=fork();
  if(!pid) {
    close(p[0]);
    write(p[1],"child",5);
    _exit(7);
  }
  close(p[1]);
  n=read(p[0],b,100);
  P("child says %.*s\n",n,b);
  P("eof %ld\n",(long)read(p[0],b,10));
  int s;
  waitpid(pid,&s,0);
  P("exit %d\n",WEXITSTATUS(s));
  // fifo
  unlink("/tmp/fifo");
  mkfifo("/tmp/fifo",0600);
  errno = 0;
  P("wronly nonblock %d %d\n",open("/tmp/fifo",O_WRONLY|O_NONBLOCK),errno);
  pid=fork();
  if(!pid) {
    int f=open("/tmp/fifo",O_WRONLY);
    write(f,"fifo!",5);
    _exit(0);
  }
  int f=open("/tmp/fifo",O_RDONLY);
  n=read(f,b,100);
  P("fifo %.*s\n",n,b);
  P("fifo eof %ld\n",(long)read(f,b,1));
  waitpid(pid,&s,0);
  // splice tee
  int q[2];
  pipe(p);
  pipe(q);
  write(p[1],"spliced",7);
  P("tee %ld",(long)tee(p[0],q[1],100,0));
  P(" splice %ld\n",(long)splice(p[0],0,reg,0,100,0));
  n=pread(reg,b,100,0);
  P("%.*s ",n,b);
  n=read(q[0],b,100);
  P("%.*s\n",n,b);
  loff_t off=2;
  P("splice from file %ld off %ld\n",(long)splice(reg,&off,q[1],0,3,0),(long)off);
  n=read(q[0],b,10);
  P("%.*s\n",n,b);
  P("splice nonblock %ld %d none %ld %d\n",(long)splice(p[0],0,reg,0,10,SPLICE_F_NONBLOCK),errno,(long)splice(reg,0,reg,0,10,0),errno);
  struct iovec iv={"vm",2};
  P("vmsplice %ld\n",(long)vmsplice(q[1],&iv,1,0));
  // /proc/self/fd
  char l[100],pp[100];
  sprintf(pp,"/proc/self/fd/%d",ef);
  n=readlink(pp,l,100);
  P("%.*s\n",n,l);
  sprintf(pp,"/proc/self/fd/%d",reg);
  n=readlink(pp,l,100);
  P("%.*s\n",n,l);
  unlink("/tmp/reg");
  n=readlink(pp,l,100);
  P("%.*s\n",n,l);
  int again=open(pp,O_RDONLY);
  n=read(again,b,100);
  P("reopened deleted %.*s\n",n,b);
  sprintf(pp,"/proc/self/fd/%d",q[0]);
  n=readlink(pp,l,100);
  P("pipe link %d\n",!strncmp(l,"pipe:[",6));
  void*z=mmap(0,8192,PROT_READ|PROT_WRITE,MAP_PRIVATE,open("/dev/zero",O_RDWR),0);
  ((char*)z)[5000]=1;
  P("zero map %d\n",((char*)z)[100]);
  P("null %ld %ld full %ld %d\n",(long)read(open("/dev/null",O_RDONLY),b,1),(long)write(open("/dev/null",O_WRONLY),b,9),(long)write(open("/dev/full",O_WRONLY),b,9),errno);
  long x1,x2;
  read(open("/dev/urandom",0),&x1,8);
  read(open("/dev/random",0),&x2,8);
  P("rnd %d\n",x1!=x2);
  return 0;
}
